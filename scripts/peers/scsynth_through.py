"""Has a running scsynth pass its first input to its first output: a synth definition and a synth, by OSC over UDP.

    scsynth_through.py PORT
"""

import socket
import struct
import sys


def pstring(text):
    return bytes([len(text)]) + text.encode()


def definition():
    """In.ar(8) -> Out.ar(0): with eight output buses, bus 8 is the first input. Synth definition file format, version 1."""
    body = pstring("through")
    body += struct.pack(">h", 2) + struct.pack(">ff", 8.0, 0.0)  # constants
    body += struct.pack(">hh", 0, 0)  # parameters, their names
    body += struct.pack(">h", 2)  # unit generators
    body += pstring("In") + struct.pack(">bhhh", 2, 1, 1, 0) + struct.pack(">hh", -1, 0) + struct.pack(">b", 2)
    body += pstring("Out") + struct.pack(">bhhh", 2, 2, 0, 0) + struct.pack(">hhhh", -1, 1, 0, 0)
    return b"SCgf" + struct.pack(">ih", 1, 1) + body


def padded(data):
    return data + b"\0" * (-len(data) % 4)


def message(address, types, *arguments):
    data = padded(address.encode() + b"\0") + padded(f",{types}".encode() + b"\0")
    for kind, value in zip(types, arguments):
        if kind == "i":
            data += struct.pack(">i", value)
        elif kind == "s":
            data += padded(value.encode() + b"\0")
        else:
            data += struct.pack(">i", len(value)) + padded(value)
    return data


begin = message("/s_new", "siii", "through", 1000, 0, 0)
to = ("127.0.0.1", int(sys.argv[1]))
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
    out.sendto(message("/d_recv", "bb", definition(), begin), to)
