module github.com/hyperlane-go/hyperlane

go 1.26.0
