"""The site for machines: feeds, sitemaps, structured data and small files. Pure but for `store`."""
