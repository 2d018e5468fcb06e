"""Data sets made of objects in memory: arrays, lists, tables of columns, frames, several sets in one."""
