"""The question behind ``audit``: acts from where each of them stands, the newest first."""

from __future__ import annotations

from nimwrap.domain.act import ActName

ACTS = f"""
select at, actor, control_host, act, subject, run, text, null, null, null
  from events where act is not null and at >= ?
union all
select started, actor, owner_host, '{ActName.BACKUP}', master || '/' || client, id, kind, outcome, null, null
  from runs where started >= ?
union all
select coalesce(c.applied, c.planned), r.actor, r.owner_host, '{ActName.EXPORT_CHANGE}', c.master || ':' || c.directory,
       c.run, c.added, c.state, c.applied, c.reverted
  from export_changes c left join runs r on r.id = c.run where c.planned >= ?
order by 1 desc
"""
"""An export change is asked for by whom its run is; it is dated by when the master was seen to be open."""
