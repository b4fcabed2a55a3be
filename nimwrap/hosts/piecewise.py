r"""A script that travels to a client in pieces, over a channel that carries less than the whole of it.

Everything here is shell text for the master. It needs of the channel 256 bytes a call, letters, digits, blanks,
``/ . _ - = + : ,``, ``>`` and one of ``;`` and ``&``: no quote, no ``$``, no backslash, no newline, no ``<`` and no
``|``; and of the client the tools that every AIX has. It works with any login shell there.

The script travels as letters, digits, ``_`` and ``.``, four for three bytes, appended to a file in a directory of its
own that nobody else can enter. A line of awk turns them back. That line needs characters that cannot travel, so ``tr``
makes them of letters, and of it, the ``<`` is what ``dd`` makes of an EBCDIC ``L``, and the backslash is what lies
between ``Z`` and ``_``. The checksum is compared before anything of it runs; the directory is gone as soon as it does.
"""

from __future__ import annotations

import shlex

from nimwrap.hosts.script_batch import PREAMBLE, limited

C_RSH = "/usr/lpp/bos.sysmgt/nim/methods/c_rsh"
LENGTHS = (256, 512, 1024, 2048, 4096)
"""Bytes of a call that are tried, each twice the one before."""
SMALLEST = LENGTHS[0]

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_."
_CALL_S = 20
_CODES = dict(zip('{}()"$%<;*', "ABCDEFGHIJ", strict=True))
_DECODER = (
    "NR==1{t=$1;next}{for(i=1;i<length($1);i=i+4){n=0;for(j=0;j<4;j++)n=n*64+index(t,substr($1,i+j,1))-1;"
    'printf "%c%c%c",int(n/65536),int(n/256)%256,n%256}}'
)
_TO_LETTERS = "tr A-J " + "".join(f"XX{ord(char):03o}" for char in _CODES)
_STEPS = (
    "echo L >1",
    "dd if=1 of=0 cbs=1 conv=ascii",
    "dd if=0 of=2 bs=1 count=1",
    "echo tr V-Z Z-_ >3",
    "dd if=3 of=4 bs=1 count=10",
    "echo 5 >6",
    "cat 4 2 6 >7",
    f"echo {_TO_LETTERS} >5",
    "env LC_ALL=C ksh 7 >8",
    f"dd if=8 of=c bs=1 count={len(_TO_LETTERS)}",
    "echo 9 >6",
    "cat c 2 6 >b",
    f"echo {''.join(_CODES.get(char, char) for char in _DECODER)} >9",
    "env LC_ALL=C ksh b >a",
    f"echo {_ALPHABET} >e",
)
"""What makes the decoder ``a``, each short enough for the smallest channel."""

_ENCODER = (
    "{for(i=1;i<=NF;i++){n=n*256+$i;if(++k==3){o=o c(n/262144) c(n/4096) c(n/64) c(n);n=k=0;"
    'if(length(o)>=w){print o;o=""}}}}END{if(o!="")print o}\n'
    "function c(x){return substr(t,int(x)%64+1,1)}"
)

SAY = (
    "nw_say() { printf '%s\\n' \"$1\"; }\n"
    'if [ "$(print -r -- x 2>/dev/null)" = x ]; then nw_say() { print -r -- "$1"; }; fi'
)
"""Defines ``nw_say``, which prints its argument: ksh88 has no printf of its own, and echo would read backslashes."""
CLEAN = r"nw_clean='tr -d \000\015'"
"""A null byte would end a variable; carriage returns are those of a channel that has a terminal in it."""
ANSWERED = "case $nw_c in *nw_rc=[0-9]*) "
"""Begins shell text for when ``nw_c`` holds a script's own end; to be closed by ``;; esac``."""


def bounded(call: str, limit_s: int) -> str:
    """``call`` within its limit; on a passed one the last line says so."""
    return f"{limited(f'exec {call} 2>&1', limit_s)}\n[ $? -eq 143 ] && echo 'nimwrap: no answer within {limit_s} s'"


def functions(limit_s: int, nonce: str) -> str:
    """Shell functions that work on ``$nw_h`` (the host), ``$nw_s`` (the script) and ``$nw_b`` (bytes of a call).

    ``nw_probe`` is true where 40 plain bytes come back; ``nw_measure`` sets ``nw_b``, 0 for less than the smallest;
    ``nw_deliver`` sets ``nw_c`` to what the script printed and is true when it ran to its end, within ``limit_s``
    seconds. All of them count their calls in ``nw_k``.
    """
    call_s = min(limit_s, _CALL_S)
    steps = " ".join(f"'{step}'" for step in _STEPS)
    return f"""\
nw_ask() {{ nw_k=$((nw_k+1))
nw_a=$(nw_one "$1" | $nw_clean)
}}
nw_one() {{
{bounded(f'{C_RSH} "$nw_h" "$1"', call_s)}
}}
nw_says() {{ case "
$nw_a
" in *"
$1
"*) return 0;; esac; return 1; }}
nw_named() {{ nw_x={nonce}$(date -u +%j%H%M%S)$nw_n; }}
nw_probe() {{ nw_named; nw_ask "echo nw_$nw_x"; nw_says nw_$nw_x; }}
nw_measure() {{ nw_b=0; nw_f=aaaaaaaaaaaaaaaa
for nw_l in {" ".join(map(str, LENGTHS))}; do
while [ ${{#nw_f}} -lt $nw_l ]; do nw_f=$nw_f$nw_f; done
nw_ask "echo ${{nw_f#??????}}z"; nw_says "${{nw_f#??????}}z" || break
nw_b=$nw_l; done
[ $nw_b -gt 0 ]; }}
nw_flush() {{ nw_ask "$nw_q${{nw_j}}echo nw_ok"; nw_q="cd $nw_d"; nw_says nw_ok; }}
nw_put() {{ if [ $((${{#nw_q}}+${{#1}}+14)) -gt $nw_b ]; then nw_flush || return 1; fi
nw_q=$nw_q$nw_j$1; }}
nw_begin() {{ for nw_j in '&&' ';'; do
nw_q="umask 077${{nw_j}}mkdir $nw_d${{nw_j}}echo nw_made >$nw_d/k${{nw_j}}cat $nw_d/k"
nw_flush && nw_says nw_made && return 0; done; return 1; }}
nw_deliver() {{ nw_named; nw_d=/"tmp"/nw.$nw_x
nw_v="rm -rf $nw_d
find /tmp/nw.* -prune -user root -mtime +0 -exec rm -rf {{}} \\; 2>/dev/null
$nw_s"
nw_y=$(nw_say "$nw_v" | wc -c)
while [ $(($nw_y%3)) -ne 0 ]; do nw_v="$nw_v "; nw_y=$(($nw_y+1)); done
nw_y=$(nw_say "$nw_v" | cksum | awk '{{print $1" "$2" x"}}')
if nw_begin && nw_fill && nw_put "env LC_ALL=C awk -f a e >x" && nw_put "cksum x" && nw_flush && nw_says "$nw_y"
then nw_k=$((nw_k+1)); nw_c=$(nw_run | $nw_clean); {ANSWERED}return 0;; esac; fi
nw_c=$nw_a; nw_ask "rm -rf $nw_d"; return 1; }}
nw_fill() {{ for nw_l in {steps}; do nw_put "$nw_l" || return 1; done
nw_w=$((($nw_b-${{#nw_d}}-26)/4*4))
for nw_l in $(nw_code); do nw_put "echo $nw_l >>e" || return 1; done; }}
nw_code() {{ nw_say "$nw_v" | od -An -v -tu1 | awk -v w=$nw_w -v t={_ALPHABET} {shlex.quote(_ENCODER)}; }}
nw_run() {{
{bounded(f'{C_RSH} "$nw_h" "/usr/bin/ksh $nw_d/x"', limit_s)}
}}
"""


def delivering(host: str, script: str, piece_bytes: int, limit_s: int, nonce: str) -> str:
    """Shell text for the master: sends ``script`` in pieces, runs it, and prints what it printed."""
    return f"""\
( {PREAMBLE}{SAY}
{CLEAN}
{functions(limit_s, nonce)}nw_n= nw_k=0 nw_c= nw_h={shlex.quote(host)} nw_b={piece_bytes}
nw_s={shlex.quote(script)}
nw_deliver; nw_say "$nw_c"
) </dev/null"""
