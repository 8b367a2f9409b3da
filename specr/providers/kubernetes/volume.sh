# What is done on the volume, in the helper pod and at the end of builds. For any POSIX shell with
# find, sort -z, xargs -0, sha256sum, stat, awk, tar and head: busybox will do.
#
#   $SPECR_FOLDER/objects/<sha256>/content   a file or folder with this digest
#   $SPECR_FOLDER/objects/<sha256>/whole     its size in bytes; there once the content is whole
#   $SPECR_FOLDER/staging/<name>/            content on its way
#   $SPECR_FOLDER/results/<name>             the digest of a build's output, before it is moved
#
# The digest is that of specr's stores: see there. Inverting all bits of a hexadecimal digest is
# a matter of exchanging its digits.

fail() {
  echo "$*" >&2
  exit 1
}

remove() { # a folder, also what is read-only in it
  [ -e "$1" ] || [ -L "$1" ] || return 0
  [ -L "$1" ] || find "$1" -type d ! -perm -700 -exec chmod u+rwx {} \; 2>/dev/null
  for attempt in 1 2 3 4 5; do
    rm -rf "$1" && return 0
    # somebody else removes the same, and was faster
    [ -e "$1" ] || [ -L "$1" ] || return 0
  done
  fail "$1 can't be removed"
}

measure() { # <file or folder>: prints its digest without the prefix, a space, and its size
  if [ -L "$1" ]; then fail "it is a link"; fi
  if [ -f "$1" ]; then
    hash=$(sha256sum <"$1") || fail "it can't be read"
    echo "${hash%% *} $(stat -c %s "$1")"
    return
  fi
  [ -d "$1" ] || fail "it is neither a file nor a folder"
  notes=$(mktemp -d /tmp/measure.XXXXXX) || fail "/tmp can't be written to"
  (cd "$1" && find . -mindepth 1 -print0) >"$notes/found" || fail "it can't be read"
  LC_ALL=C sort -z "$notes/found" >"$notes/sorted" || fail "it can't be listed"
  printf 'specr folder 1\0' >"$notes/manifest"
  (cd "$1" && root=$(pwd -P) xargs -0 -r sh -c '
    for path; do
      name=${path#./}
      if [ -L "$path" ]; then
        case $(readlink "$path") in /*) echo "$name is a link out of the folder" >&2; exit 1 ;; esac
        case $(readlink -f "$path") in
          "$root"/*) [ -e "$path" ] ;;
          "$root") ;;
          *) false ;;
        esac || { echo "$name is a link out of the folder, or to nothing" >&2; exit 1; }
        mark=l hash=$(readlink -n "$path" | sha256sum)
      elif [ -d "$path" ]; then mark=d hash=-
      elif [ -f "$path" ]; then
        mark=f; [ ! -x "$path" ] || mark=x
        hash=$(sha256sum <"$path") || exit 1
      else echo "$name is neither file, folder nor link" >&2; exit 1
      fi
      printf "%s %s %s\0" "$mark" "${hash%% *}" "$name"
    done' sh) <"$notes/sorted" >>"$notes/manifest" || fail "it can't be measured"
  hash=$(sha256sum <"$notes/manifest") || fail "it can't be measured"
  size=$(find "$1" -type f -exec stat -c %s {} + | awk '{ sum += $1 } END { printf "%.0f", sum }')
  rm -rf "$notes"
  echo "$(echo "${hash%% *}" | tr 0123456789abcdef fedcba9876543210) ${size:-0}"
}

keep() { # <staging folder> <digest> <size>: moves content to its place, in one step
  mkdir -p "$SPECR_FOLDER/objects" || fail "$SPECR_FOLDER/objects can't be made"
  place=$SPECR_FOLDER/objects/$2
  if [ ! -e "$place/whole" ]; then
    remove "$place" # a folder that a mount has made where nothing was
    echo "$3" >"$1/whole" && mv "$1" "$place" || fail "$place can't be made"
    remove "$place/${1##*/}" # somebody else was there first, with the same
  fi
  remove "$1"
}

begin() { # <staging folder>
  remove "$1"
  mkdir -p "$1" || fail "$1 can't be made"
}

receive() { # <name> <bytes> <digest>: takes a tar from stdin; prints what came
  staging=$SPECR_FOLDER/staging/$1
  begin "$staging"
  head -c "$2" | tar -x -f - -C "$staging" || fail "the bytes can't be unpacked"
  measured=$(measure "$staging/content") || exit 1
  [ "${measured% *}" = "$3" ] || { remove "$staging"; fail "the bytes that came are ${measured% *}"; }
  keep "$staging" "$3" "${measured#* }"
  echo "$measured"
}

collect() { # <output> <name>: brings a build's output to its place, and tells it as the pod's last word
  told=/dev/termination-log
  staging=$SPECR_FOLDER/staging/$2
  if [ ! -e "$1" ] && [ ! -L "$1" ]; then
    echo "the processor wrote nothing at TARGET_PATH" >$told
    exit 1
  fi
  {
    begin "$staging"
    cp -a "$1" "$staging/content" || fail "it can't be copied to the volume"
    measured=$(measure "$staging/content") || exit 1
    mkdir -p "$SPECR_FOLDER/results" && echo "${measured% *}" >"$SPECR_FOLDER/results/$2" || exit 1
    keep "$staging" "${measured% *}" "${measured#* }"
  } 2>/tmp/trouble || exit 1
  echo "$measured" >$told
}

tell() { # a failed collection leaves its reason behind
  status=$?
  [ "$status" = 0 ] || [ ! -s /tmp/trouble ] ||
    echo "its output can't be kept: $(tail -n 3 /tmp/trouble | tr '\n' ' ')" >/dev/termination-log
  exit "$status"
}

have() { # <digest>: measures what is there; prints digest and size if it is sound, else nothing
  [ -e "$SPECR_FOLDER/objects/$1/whole" ] || exit 0
  measured=$(measure "$SPECR_FOLDER/objects/$1/content") || exit 0
  [ "${measured% *}" != "$1" ] || echo "$measured"
}

forget() { # <digest>: removes content
  remove "$SPECR_FOLDER/objects/$1"
}

discard() { # <name>: removes what an object has left on its way; prints the output of a build
  for left in "$SPECR_FOLDER/staging/$1"*; do remove "$left"; done
  [ ! -e "$SPECR_FOLDER/results/$1" ] || cat "$SPECR_FOLDER/results/$1"
  remove "$SPECR_FOLDER/results/$1"
}

list() { # prints the digests of all content that is whole
  for place in "$SPECR_FOLDER"/objects/*; do
    [ ! -e "$place/whole" ] || [ ! -e "$place/content" ] || echo "${place##*/}"
  done
}

clear() { # removes everything
  remove "$SPECR_FOLDER"
  tidy
}

tidy() { # removes folders that are empty, up to the claim's root
  for folder in staging results objects; do rmdir "$SPECR_FOLDER/$folder" 2>/dev/null; done
  rmdir "$SPECR_FOLDER" "${SPECR_FOLDER%/*}" "${SPECR_FOLDER%/*/*}" 2>/dev/null
  return 0
}

verb=$1
shift
[ "$verb" != collect ] || trap tell EXIT
"$verb" "$@"
