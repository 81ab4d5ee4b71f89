"""Forward functions as people write them, in many styles; `test_styles` differentiates each."""
