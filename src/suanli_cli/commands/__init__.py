"""The commands, grouped into modules by what they touch; `suanli_cli.root` lists them."""
