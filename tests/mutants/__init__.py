"""Mutation tests of the pure modules: each small wrong change must fail a test."""
