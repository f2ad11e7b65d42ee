#!/usr/bin/python3 -I
"""Chaos Mesh's `memStress`: memory is held, every page of it written to: memStress --workers 1 --size 128MB"""

import signal
import sys

told = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=False))
held = bytearray(b"\1") * (int(told["--size"].removesuffix("MB")) * 1024 * 1024 * int(told["--workers"]))
signal.pause()
