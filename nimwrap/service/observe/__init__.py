"""What a real estate answers to questions that no public source answers: masked transcripts."""
