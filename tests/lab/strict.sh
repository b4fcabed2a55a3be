# Every POSIX tool of a lab host comes through here: only what AIX's own tool takes is passed on. Anything else is an
# offence: written down, and refused with a usage error as AIX would.
# The two lines before this text set tool and real.

offend() {
    printf '%s: %s: %s\n' "$tool" "$1" "$given" | tr '\n' ' ' >>/.base/state/offences
    echo >>/.base/state/offences
    printf '%s: 0653-000 Not a recognized flag or form: %s\nUsage: %s [flags] [arguments]\n' "$tool" "$1" "$tool" >&2
    exit 2
}

# options FLAGS VALUED ARGUMENT...: getopt as AIX has it, which stops at the first operand.
options() {
    flags=$1 valued=$2
    shift 2
    while [ $# -gt 0 ]; do
        case $1 in
            --) return ;;
            --*) offend "$1" ;;
            -) break ;;
            -*) letters=${1#-} ;;
            *) break ;;
        esac
        while [ -n "$letters" ]; do
            letter=${letters%"${letters#?}"}
            letters=${letters#?}
            case $valued in *"$letter"*) [ -n "$letters" ] || shift; letters=; continue ;; esac
            case $flags in *"$letter"*) ;; *) offend "-$letter" ;; esac
        done
        [ $# -gt 0 ] && shift
    done
    [ $# -gt 0 ] && shift
    for operand; do case $operand in -?*) offend "option after an operand, $operand" ;; esac; done
}

# Basic regular expressions of GNU alone.
plain_regex() {
    for word; do
        case $word in *'\+'* | *'\?'* | *'\|'* | *'\s'* | *'\w'* | *'\b'*) offend "GNU regular expression" ;; esac
    done
}

given="$*"
case $tool in
    grep | egrep)
        case " $* " in *" -e "* | *" -f "*) options "EFbchHilnpqrRsuvwxy" "ef" "$@" ;; *)
            options "EFbchHilnpqrRsuvwxy" "" "$@" ;; esac
        [ "$tool" = egrep ] && { set -- -E "$@"; }
        case " $* " in *" -E "* | *" -F "* | *" -Fx "* | *" -xF "*) ;; *) plain_regex "$@" ;; esac ;;
    sed) options "n" "ef" "$@"; plain_regex "$@" ;;
    awk)
        options "" "Fvf" "$@" 2>/dev/null || exit 2
        for word; do
            case $word in *gensub\(* | *strftime\(* | *systime\(* | *asort* | *PROCINFO* | *'length arr'*)
                offend "GNU awk" ;; esac
        done ;;
    cat) options "benqrsStuvZ" "" "$@" ;;
    ls) options "1AabCcdeEfFgHilLmnNopqrRsStuUxXz" "" "$@" ;;
    rm) options "eEfirR" "" "$@" ;;
    mv) options "dEefiI" "" "$@" ;;
    cp) options "defhHiILpPrRuU" "E" "$@" ;;
    mkdir) options "p" "em" "$@" ;;
    rmdir) options "p" "" "$@" ;;
    chmod) case $1 in -[rwxst]*) ;; *) options "fhR" "" "$@" ;; esac ;;
    ln) options "fns" "" "$@" ;;
    touch) options "acfm" "rt" "$@" ;;
    sort) options "AbcdfimMnru" "koStTy" "$@" ;;
    uniq) options "cdu" "fs" "$@" ;;
    cut) options "ns" "bcdf" "$@" ;;
    tr) options "AcCsd" "" "$@" ;;
    wc) options "cklmw" "" "$@" ;;
    head) case $1 in -[0-9]*) ;; *) options "" "nc" "$@" ;; esac ;;
    tail) case $1 in [-+][0-9]*) ;; *) options "fr" "bckmn" "$@" ;; esac ;;
    od) options "abBcCdDefFhHiIlLoOpPsvxX" "AjNtSw" "$@" ;;
    cksum | nohup) options "" "" "$1" ;;
    date)
        for word; do
            case $word in -u | -n) ;; +*%s* | +*%N* | +*%-* | +*%_*) offend "$word" ;; +*) ;; *) offend "$word" ;; esac
        done ;;
    sleep) case $1 in *[!0-9]* | '') offend "$1" ;; esac ;;
    tee) options "ai" "" "$@" ;;
    xargs)
        case $1 in --* | -0* | -r* | -d* | -P*) offend "$1" ;; esac ;;
    env) case $1 in -i | -) ;; -*) offend "$1" ;; esac ;;
    find)
        inside=
        for word; do
            if [ -n "$inside" ]; then
                case $word in ';' | +) inside= ;; esac
                continue
            fi
            case $word in
                -exec | -ok) inside=yes ;;
                -name | -type | -size | -mtime | -atime | -ctime | -newer | -perm | -user | -group | -links | -print | \
                    -depth | -prune | -xdev | -o | -a | -inum | -ls | -nouser | -nogroup | -H | -L) ;;
                -[0-9]*) ;;
                -*) offend "$word" ;;
            esac
        done ;;
    ps)
        case $1 in -*) options "AaefklNP" "FGgnopstuUT" "$@" ;; esac ;;
    dd) for word; do case $word in *=*) ;; *) offend "$word" ;; esac
            case $word in status=* | conv=*fsync* | iflag=* | oflag=*) offend "$word" ;; esac; done ;;
    kill) case $1 in --*) offend "$1" ;; esac ;;
    perl | expr | test | '[' | basename | dirname | printf | true | false | echo) ;;
    *) offend "no rule for this tool" ;;
esac
[ "$tool" = date ] && [ -f /.base/state/clock ] && set -- -d "now + $(/.lab/usr/bin/cat /.base/state/clock) seconds" "$@"
exec "$real" "$@"
