"""Configurations: a whole one, and faulty ones with what is said of them."""

MASTER = '[masters.nim]\nhost = "10.0.0.1"\n'


LONG = "x" * 4096


CASES = {
    "limit of nothing": (
        "[limits.frame1]\ntargets = ['a']",
        1,
        'limit "frame1" has no max_parallel',
        "max_parallel = 2",
    ),
    "limit of none at once": ("[limits.a]\nmax_parallel = 0", 2, "0 is out of range", ""),
    "limit of no group": (
        "[limits.a]\nmax_parallel = 1\ntargets = ['group:fram']\n[groups]\nframe = ['x']",
        3,
        "no group",
        "frame",
    ),
    "limit's name": ("[limits.'a/b']\nmax_parallel = 1", 1, '"a/b" cannot name a table of [limits]', ""),
    "limit is no table": ("limits = 3", 1, "limits must hold tables such as [limits.NAME]", ""),
    "blackout of the 32nd": ("[blackout.a]\ndays = [\n'28-32']", 3, "the days of a month are 1 to 31", ""),
    "blackout backwards": ("[blackout.a]\ndays = ['2026-12-24..2026-12-01']", 2, "the earlier day comes first", ""),
    "blackout of no day": ("[blackout.a]\ndays = ['month end']", 2, "write 28, 28-31, last, last 3, sat", ""),
    "blackout of a bare number": ("[blackout.a]\ndays = [28]", 2, 'such as "28-31", not the number 28', ""),
    "blackout after midnight": ("[blackout.a]\ndays = ['sat']\nends = '24:01'", 3, "from 00:00 to 24:00", ""),
    "blackout that never ends": ("[blackout.a]\ntargets = ['*']", 1, 'blackout "a" never ends', "28-31"),
    "blackout from an hour to itself": ("[blackout.a]\nbegins = '07:00'\nends = '07:00'", 1, "never ends", ""),
    "blackout on the moon": ("[blackout.a]\ndays = ['sat']\ntimezone = 'Moon/Sea'", 3, "unknown time zone", ""),
    "blackout, mistyped": ("[blackout.a]\ndays = ['sat']\nday = 'x'", 3, 'unknown key "day" in [blackout.a]', '"days"'),
    "unknown key at the top": ("schedulez = 1", 1, 'unknown key "schedulez"', 'did you mean "schedules"?'),
    "key of another table": ("keep = 3", 1, 'unknown key "keep"', "keep belongs into [backup]"),
    "unknown key in a table": ("[retry]\nattemts = 3", 2, 'unknown key "attemts" in [retry]', '"attempts"'),
    "unknown key of a master": ("[masters.nim]\ntransprt = 1\nhost='h'", 2, "in [masters.nim]", '"transport"'),
    "unknown key, nothing near": ("[report]\nqqqqqq = 1", 2, '"qqqqqq"', "known here: html, textfile"),
    "text for a number": ('[backup]\nkeep = "3"', 2, 'keep: must be a whole number, not the text "3"', ""),
    "truth for a number": ("[backup]\nkeep = true", 2, "not true", ""),
    "number for text": ("[masters.nim]\nhost = 7", 2, "not the number 7", ""),
    "number for a duration": ("[backup]\nstall = 30", 2, 'write "30s", "30m", "30h" or "30d"', ""),
    "bad duration": ('[backup]\ntimeout = "6 hours"', 2, '"6 hours" is not a duration', "such as 30m"),
    "no duration at all": ('[backup]\nmax_age = "0d"', 2, "longer than nothing", ""),
    "endless duration": ('[backup]\nmax_age = "99999999999999d"', 2, "hundred years", ""),
    "choice": ("[masters.nim]\ntransport = 'shh'\nhost='h'", 2, '"shh" is not one of', 'did you mean "ssh"?'),
    "port too high": ("[masters.nim]\nhost='h'\nport = 70000", 3, "1 to 65535", ""),
    "port zero": ("[masters.nim]\nhost='h'\nport = 0", 3, "1 to 65535", ""),
    "no host": ("\n[masters.nim]\nport = 22", 2, 'master "nim" has no host', 'transport = "local"'),
    "host is an option": ("[masters.nim]\nhost = '-oProxyCommand=x'", 2, "is not a host name", ""),
    "host with a command": ("[masters.nim]\nhost = 'a;reboot'", 2, "is not a host name", ""),
    "user is an option": ("[masters.nim]\nhost='h'\nuser = '-l root'", 3, "is not a user name", ""),
    "master is no table": ("masters.nim = 1", 1, "must be a table", ""),
    "masters is no table": ("masters = 1", 1, "[masters.NAME]", ""),
    "backup is no table": ("backup = 1", 1, "[backup]", ""),
    "master's name": ("[masters.'a b']\nhost='h'", 1, '"a b" cannot name a master', ""),
    "master's name climbs": ("[masters.'../x']\nhost='h'", 1, "cannot name a master", ""),
    "relative state directory": ("state_dir = 'state'", 1, "relative path", "beginning with /"),
    "relative key": ("[masters.nim]\nhost='h'\nidentity_file = 'id'", 3, "relative path", ""),
    "credential climbs": ("[masters.nim]\nhost='h'\nidentity_file='credential:../x'", 3, "name of a credential", ""),
    "spool climbs": ("[masters.nim]\nhost='h'\nspool = '/var/../etc'", 3, "full path of plain", ""),
    "directory with a command": ("[backup]\ndirectory = '/a/$(reboot)'", 2, "full path of plain", ""),
    "directory with a line end": ('[backup]\ndirectory = "/a\\nb"', 2, "full path of plain", ""),
    "relative directory": ("[backup]\ndirectory = 'export'", 2, "full path of plain", ""),
    "keep nothing": ("[backup]\nkeep = 0", 2, "1 or more", ""),
    "flag with argument": ("[backup]\nmksysb_flags = 'ix'", 2, "flag x takes an argument", ""),
    "flag P": ("[backup]\nmksysb_flags = 'P'", 2, "flag P takes an argument", ""),
    "no such flag": ("[backup]\nmksysb_flags = 'eiQ'", 2, '"Q" is not a flag', "the letters are"),
    "dashed flags": ("[backup]\nmksysb_flags = '-ei'", 2, "without the dash", ""),
    "flags G and N": ("[backup]\nmksysb_flags = 'GN'", 2, "exclude each other", ""),
    "no kinds": ("[backup]\nkinds = []", 2, "at least one", ""),
    "remedy, by its own line": ("[backup]\nremedies = [\n'own-mount',\n'pre-exprt']", 4, "pre-exprt", '"pre-export"'),
    "remedy twice": ("[backup]\nremedies = ['own-mount', 'own-mount']", 2, "twice", ""),
    "remedies no array": ("[backup]\nremedies = 'own-mount'", 2, "must be an array", ""),
    "flat and only pre-export": ("[backup]\nlayout='flat'\nremedies=['pre-export']", 2, "layout flat", "own-mount"),
    "the same, in a client": (
        MASTER + "[backup]\nlayout = 'flat'\n[clients.a]\nremedies = ['pre-export']",
        6,
        "layout flat",
        "",
    ),
    "savevg of nothing": ("[backup]\nkinds = ['savevg']", 2, "no volume_groups", ""),
    "volume group with a command": ("[backup]\nvolume_groups = ['a b']", 2, "volume group", ""),
    "more images at once than locks are kept fresh for": (
        "[masters.nim]\nhost = 'nim'\nmax_parallel = 65\n",
        3,
        "the beats of 65 images at once all get through",
        "max_parallel: at most 64",
    ),
    "wait longer than max_wait": ("[retry]\nwait = '2h'", 2, "max_wait is shorter", ""),
    "env of ours": ("[masters.nim]\nhost='h'\nenv = { LC_ALL = 'fr' }", 3, "LC_ALL is set by nimwrap", ""),
    "env name": ("[masters.nim]\nhost='h'\nenv = { 'a;b' = 'c' }", 3, '"a;b" is not the name', ""),
    "env number": ("[masters.nim]\nhost='h'\n[masters.nim.env]\nA = 1", 4, "in quotes", ""),
    "unknown master of a client": (MASTER + "[clients.'nin/a']", 3, 'unknown master "nin"', 'did you mean "nim"?'),
    "client's name": (MASTER + "[clients.'a.b']", 3, "cannot be a client", ""),
    "client's name runs": (MASTER + "[clients.'$(reboot)']", 3, "cannot be a client", ""),
    "client's name has a line end": (MASTER + '[clients."a\\nb"]', 3, "cannot be a client", ""),
    "client's name is huge": (MASTER + f"[clients.{LONG}]", 3, "4096 characters", ""),
    "group's member": ("[groups]\na = [\n'x',\n'b;c']", 4, "neither a client", ""),
    "group's member is huge": (f"[groups]\na = ['{LONG}']", 2, "4096 characters", ""),
    "group's member climbs": ("[groups]\na = ['../b']", 2, "no master has such a name", ""),
    "unknown group": ("[groups]\ncluster = []\na = ['group:clustre']", 3, "is no group", '"cluster"'),
    "group of itself": ("[groups]\na = ['group:a']", 2, 'group "a" contains itself', ""),
    "group is no array": ("[groups]\na = 'b'", 2, "must be an array", ""),
    "group's member is a number": ("[groups]\na = [1]", 2, "name in quotes", ""),
    "notify place": ("[notify]\nurls = ['hello']", 2, "neither a URL", ""),
    "notify file": ("[notify]\nurls = ['file:secret']", 2, "a path in full", ""),
    "notify state": ("[notify]\non = ['fail']", 2, '"fail" is not one of', '"failed"'),
    "exclude in quotes": (MASTER + "[clients.a]\nexclude = 'no'", 4, "true or false", ""),
    "a date": ("[backup]\nkeep = 2026-11-23", 2, "not a date or time", ""),
    "syntax": ("a = 1\nb = = 2", 2, "not valid TOML", "config init"),
    "key twice": ("[backup]\nkeep = 1\nkeep = 2", 3, "not valid TOML", ""),
    "unfinished": ("[backup]\nkeep = ", 2, "not valid TOML", ""),
}


WHOLE = """
state_dir = "/var/lib/nimwrap"
schedules = "schedules"
[masters.nim]
transport = "ssh"
host = "10.10.10.100"
port = 22
user = "root"
become = ""
identity_file = "/etc/nimwrap/id_ed25519"
known_hosts = "/etc/nimwrap/known_hosts"
ssh_config = "/etc/nimwrap/ssh_config"
client_channel = "c_rsh"
spool = "/var/adm/nimwrap"
max_parallel = 4
env = { NIM_MKSYSB_SUBDIRS = "yes" }
keep = 4
[masters.nim2]
transport = "local"
[backup]
directory = "/export/nim/mksysb"
mksysb_flags = "X e"
keep_weekly = 4
timeout = "90m"
export_change = "when-needed"
remedies = ["own-mount", "pre-export"]
[retry]
wait = "5m"
[groups]
cluster = ["powerha1", "powerha2"]
all = ["group:cluster", "nim2/aix*", "aix[0-9]?"]
[clients.powerha1]
keep = 5
cluster = "powerha"
wait = "10m"
[clients."nim2/powerha1"]
keep = 6
[limits.frame1]
targets = ["group:cluster", "nim2/aix*"]
directory = "/export/nim"
max_parallel = 2
[blackout.month_end]
days = ["last 3", "1", "fri-mon", "2026-12-24..2027-01-01"]
begins = "18:00"
ends = "06:00"
timezone = "Europe/Berlin"
targets = ["aix*"]
[notify]
urls = ["file:/etc/nimwrap/url", "credential:mail", "json://user:token@chat.example.com/x"]
"""
