"""The four services. They share code only through `shared`."""
