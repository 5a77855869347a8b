"""The site: what `site.toml` says, or the settings of a small site say, as pages show it."""
