"""What shared libraries of ours need and show.

check_shared.py needs CORE.so      fails if it needs more than the C and C++ run-time libraries
check_shared.py shows LIBRARY.so…  fails if one exports a name outside our namespace
"""
import re
import subprocess
import sys

RUNTIME = re.compile(r"(libc|libm|libstdc\+\+|libgcc_s)\.so\.\d+$|ld-linux.*\.so\.\d+$")
OURS = re.compile(r"((non-)?virtual thunk to |(typeinfo|typeinfo name|vtable|VTT|guard variable) for |"
                  r"TLS (init|wrapper) function for )?fast_telemetry::")


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def needs(library):
    return re.findall(r"\(NEEDED\).*\[(.+)\]", output("readelf", "-d", library))


def shows(library):
    """Exported names as nm has them, mangled, each with its readable form."""
    lines = output("nm", "-D", "--defined-only", "--format=posix", library).splitlines()
    names = [line.split()[0].partition("@")[0] for line in lines]
    readable = subprocess.run(["c++filt"], input="\n".join(names), check=True, capture_output=True, text=True).stdout
    return list(zip(names, readable.splitlines()))


def is_ours(mangled, readable):
    # A function template's readable form begins with its return type; the mangled form says where it lives.
    return OURS.match(readable) or re.match(r"_ZNK?14fast_telemetry", mangled)


what, libraries = sys.argv[1], sys.argv[2:]
if what == "needs":
    bad = [f"{library}: needs {name}" for library in libraries for name in needs(library) if not RUNTIME.match(name)]
else:
    bad = [f"{library}: shows {readable}" for library in libraries for mangled, readable in shows(library)
           if not is_ours(mangled, readable)]
    bad += [f"{library}: shows nothing at all" for library in libraries if not shows(library)]
print("\n".join(bad) or "ok")
sys.exit(bool(bad))
