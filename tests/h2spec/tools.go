//go:build tools

// Names the program that is built from here, so that its versions are fixed by go.mod and go.sum.
package h2spec

import _ "github.com/summerwind/h2spec/cmd/h2spec"
