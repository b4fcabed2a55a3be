"""Programs that ask the server (nimwrap.estate.server) instead of loading Python, for ``str.format``; in Perl."""

from __future__ import annotations

COMMAND = r"""#!/bin/sh
PERL_BADLANG=0 exec {perl} -x "$0" "$@"  # silent about locales that the build machine does not have
#!perl
# The command is run by the server (nimwrap.estate.server), this process prints what it said and leaves as it did.
delete $ENV{{PERL_BADLANG}};
my ($server, $directory) = (undef, readlink('/proc/self/cwd'));
if (defined $directory and socket($server, 1, 1, 0) and connect($server, pack('S a*', 1, '{server}'))) {{
  my @question = ('{module}', '{path}', $0, $directory, scalar(@ARGV), @ARGV, map {{ "$_=$ENV{{$_}}" }} keys %ENV);
  my ($rest, $answer, $done) = (join("\0", @question), '', 0);
  local $SIG{{PIPE}} = 'IGNORE';
  while (length $rest) {{ my $sent = syswrite($server, $rest) or last; substr($rest, 0, $sent, ''); }}
  shutdown($server, 1);
  while (sysread($server, $answer, 65536, length $answer)) {{ }}
  $SIG{{PIPE}} = 'DEFAULT';
  while (length($answer) - $done >= 5) {{
    my ($stream, $length) = unpack('C N', substr($answer, $done, 5));
    $done += 5;
    exit $length if $stream == 0;
    my $out = $stream == 1 ? \*STDOUT : \*STDERR;
    while ($length) {{
      my $written = syswrite($out, $answer, $length, $done) or exit 141;
      $length -= $written; $done += $written;
    }}
  }}
}}
exec {{'{python}'}} '{python}', '-SEs', '-c', q({plain}), $0, @ARGV;
"""

SHELL = r"""#!/bin/sh
PERL_BADLANG=0 exec {perl} -x "$0" "$@"  # silent about locales that the build machine does not have
#!perl
# nimwrap.estate.shell in a quarter of its time: the server says what to start, this process passes on as that does.
delete $ENV{{PERL_BADLANG}};
sub ask {{
  my ($server, $rest, $answer) = (undef, join("\0", @_), '');
  socket($server, 1, 1, 0) and connect($server, pack('S a*', 1, '{server}')) or return '';
  local $SIG{{PIPE}} = 'IGNORE';
  while (length $rest) {{ my $sent = syswrite($server, $rest) or last; substr($rest, 0, $sent, ''); }}
  shutdown($server, 1);
  while (sysread($server, $answer, 65536, length $answer)) {{ }}
  return $answer;
}}
my $script = @ARGV > 1 && $ARGV[0] =~ /^-.*c\z/s ? $ARGV[1] : $ENV{{SSH_ORIGINAL_COMMAND}};
my $answer = defined $script && length $script ? ask('shell', $0, $script, map {{ "$_=$ENV{{$_}}" }} keys %ENV) : '';
exec {{'{python}'}} '{python}', '-SEs', '-c', q({plain}), $0, @ARGV if $answer eq '';
my ($shell, $directory, $hosts, $umask, $inward, @env) = split /\0/, $answer, -1;

pipe(my $in, my $give); pipe(my $take_out, my $out); pipe(my $take_err, my $err);
my $child = fork() // die "fork: $!";
if ($child == 0) {{
  open(STDIN, '<&', $in); open(STDOUT, '>&', $out); open(STDERR, '>&', $err);
  chdir $directory;
  umask oct $umask if length $umask;
  %ENV = map {{ split /=/, $_, 2 }} @env;
  exec {{$shell}} $shell, '-c', $inward;
  exit 127;
}}
close $_ for $in, $out, $err;
my %number = (HUP => 1, INT => 2, TERM => 15);
for my $name (keys %number) {{ $SIG{{$name}} = sub {{ kill $name, $child; exit 128 + $number{{$name}} }}; }}
$SIG{{PIPE}} = 'IGNORE';
fcntl($give, 4, 2048);  # F_SETFL, O_NONBLOCK

my ($held, $pending, $reading) = ('', '', 1);
my %outputs = (fileno $take_out, [$take_out, \*STDOUT, ''], fileno $take_err, [$take_err, \*STDERR, '']);
while (%outputs) {{
  my ($readable, $writable) = ('', '');
  vec($readable, $_, 1) = 1 for keys %outputs;
  vec($readable, 0, 1) = 1 if $reading && $give && length $pending < 65536;
  vec($writable, fileno $give, 1) = 1 if $give && (length $pending || !$reading);
  select($readable, $writable, undef, undef) > 0 or next;
  for my $number (keys %outputs) {{
    next unless vec($readable, $number, 1);
    my ($from, $to, $rest) = @{{$outputs{{$number}}}};
    my $data = '';
    my $ended = !sysread($from, $data, 65536);
    $data = $rest . $data;
    my $keep = $ended ? 0 : held_back($data);
    $outputs{{$number}}[2] = substr($data, length($data) - $keep, $keep, '');
    $data =~ s{{\Q$hosts\E[A-Za-z0-9_-]+/?}}{{/}}g;
    while (length $data) {{ my $written = syswrite($to, $data) or exit 141; substr($data, 0, $written, ''); }}
    delete $outputs{{$number}} if $ended;
  }}
  if ($give && vec($readable, 0, 1)) {{  # whole lines are passed on, so that no path is cut
    my $data = '';
    $reading = sysread(STDIN, $data, 65536) ? 1 : 0;
    $held .= $data;
    my $lines = substr($held, 0, $reading ? rindex($held, "\n") + 1 : length $held, '');
    $pending .= ask('inward', $0, $lines) if length $lines;
  }}
  if ($give && vec($writable, fileno $give, 1)) {{
    my $written = length $pending ? syswrite($give, $pending) : 0;
    if (defined $written) {{ substr($pending, 0, $written, ''); }} else {{ ($pending, $reading) = ('', 0); }}
    if (!length $pending && !$reading) {{ close $give; undef $give; }}
  }}
}}
waitpid($child, 0);
exit($? & 127 ? 128 + ($? & 127) : $? >> 8);

sub unfinished {{  # where a tree's prefix begins whose host's name reaches to the end
  my $at = rindex($_[0], $hosts);
  return $at >= 0 && substr($_[0], $at + length $hosts) =~ /\A[A-Za-z0-9_-]*\z/ ? $at : -1;
}}
sub held_back {{
  my ($data) = @_;
  my $cut = unfinished($data);
  return length($data) - $cut if $cut >= 0;
  my $most = length($hosts) - 1 < length $data ? length($hosts) - 1 : length $data;
  for (my $length = $most; $length > 0; $length--) {{
    next if substr($data, -$length) ne substr($hosts, 0, $length);
    my $before = unfinished(substr($data, 0, length($data) - $length));
    return length($data) - ($before >= 0 ? $before : length($data) - $length);
  }}
  return 0;
}}
"""
