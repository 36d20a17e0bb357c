"""What runs in the launcher's children: standard library alone, and no import after pivot_root."""
