"""Programs that run inside pods. They import nothing but the standard library."""
