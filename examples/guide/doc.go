// Package guide holds the code of the pages in docs/guide, so that it is compiled and tested. A test of the root package holds that every
// block of Go in the documents stands in a file below examples.
package guide
