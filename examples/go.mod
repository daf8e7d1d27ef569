module github.com/hyperlane-go/hyperlane/examples

go 1.26.0

require github.com/hyperlane-go/hyperlane v0.0.0

replace github.com/hyperlane-go/hyperlane => ../
