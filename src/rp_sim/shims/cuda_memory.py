"""Memory of a pretended GPU: small buffers are real, gigabytes are only remembered."""

from __future__ import annotations

import ctypes
from typing import Any

MIB = 1 << 20
REAL = 64 * MIB  # up to here a buffer has bytes; more is never read back byte for byte
PAGE = 2 * MIB


class Block:
    """One allocation. `pattern`: (offset, count of 16-byte words, seed) of the last fill that still stands."""

    def __init__(self, address: int, size: int) -> None:
        self.address, self.size = address, size
        self.data = bytearray(size) if size <= REAL else None
        self.pattern: tuple[int, int, int] | None = None
        # What was copied in from the host, by offset: where from, and how much.
        self.copies: dict[int, tuple[int, int]] = {}


class Memory:
    """`free` is in bytes, and shrinks with each allocation."""

    def __init__(self, index: int, free: int) -> None:
        self.free = free
        self._blocks: list[Block] = []
        self._next = 0x7F0000000000 + (index << 40)

    @property
    def used(self) -> int:
        return sum(block.size for block in self._blocks)

    def take(self, size: int) -> int:
        """The address, or 0 when there is not that much left."""
        if size <= 0 or size > self.free:
            return 0
        block = Block(self._next, size)
        self._blocks.append(block)
        self._next += -(-size // PAGE) * PAGE
        self.free -= size
        return block.address

    def give_back(self, address: int) -> bool:
        block = self.block(address)
        if block is None:
            return False
        self._blocks.remove(block)
        self.free += block.size
        return True

    def block(self, address: int) -> Block | None:
        return next((b for b in self._blocks if b.address <= address < b.address + b.size), None)

    def write(self, address: int, data: bytes) -> bool:
        block = self._fits(address, len(data))
        if block is None:
            return False
        block.pattern = None
        if block.data is not None:
            at = address - block.address
            block.data[at : at + len(data)] = data
        return True

    def write_from_host(self, address: int, source: int, size: int) -> bool:
        block = self._fits(address, size)
        if block is None:
            return False
        if block.data is not None:
            return self.write(address, ctypes.string_at(source, size))
        block.pattern = None
        block.copies[address - block.address] = (source, size)
        return True

    def read_to_host(self, target: int, address: int, size: int) -> bool:
        block = self._fits(address, size)
        if block is None:
            return False
        at = address - block.address
        if block.data is not None:
            ctypes.memmove(target, bytes(block.data[at : at + size]), size)
            return True
        source, length = block.copies.get(at, (0, 0))
        if source and source != target and size <= length:
            ctypes.memmove(target, source, size)
        return True

    def set(self, address: int, value: bytes, count: int) -> bool:
        block = self._fits(address, len(value) * count)
        if block is None:
            return False
        return self.write(address, value * count) if block.data is not None else _forget(block)

    def fill(self, address: int, words: int, seed: int) -> bool:
        block = self._fits(address, words * 16)
        if block is None:
            return False
        block.copies.clear()
        block.pattern = (address - block.address, words, seed)
        return True

    def mismatches(self, address: int, words: int, seed: int) -> int:
        """How many of the words are not what `fill` with this seed would have put there."""
        block = self._fits(address, words * 16)
        if block is None or block.pattern is None:
            return words
        at, length, was = block.pattern
        inside = at <= address - block.address and words <= length
        return 0 if inside and was == seed else words

    def copy_within(self, target: int, source: int, size: int) -> bool:
        to, origin = self._fits(target, size), self._fits(source, size)
        if to is None or origin is None:
            return False
        if to.data is not None and origin.data is not None:
            at = source - origin.address
            return self.write(target, bytes(origin.data[at : at + size]))
        return _forget(to)

    def _fits(self, address: int, size: int) -> Block | None:
        block = self.block(address)
        return block if block and address + size <= block.address + block.size else None


def _forget(block: Block) -> bool:
    block.pattern = None
    block.copies.clear()
    return True


# -- arguments, as ctypes hands them to a foreign function ------------------------------------------------------


def number(value: Any) -> int:
    """The value of an integer argument, whatever it is wrapped in."""
    value = getattr(value, "value", value)
    return int(value or 0)


def place(argument: Any) -> int:
    """The address that a pointer argument holds."""
    if argument is None or isinstance(argument, int):
        return argument or 0
    if isinstance(argument, ctypes.c_void_p | ctypes.c_char_p):
        return ctypes.cast(argument, ctypes.c_void_p).value or 0
    if isinstance(argument, bytes):
        return ctypes.cast(ctypes.c_char_p(argument), ctypes.c_void_p).value or 0
    if type(argument).__name__ == "CArgObject":
        return ctypes.addressof(argument._obj)
    if hasattr(argument, "contents"):
        return ctypes.addressof(argument.contents)
    return ctypes.addressof(argument)


def put(argument: Any, kind: Any, value: object) -> None:
    kind.from_address(place(argument)).value = value
