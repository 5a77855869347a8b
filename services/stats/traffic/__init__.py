"""The traffic figures in memory, and the projections that they are made from (ADR 0031)."""
