package hyperlane

// form is what was parsed of a form, kept until the request ends.
type form struct{}

// remove deletes the files that the form has on disk.
func (f *form) remove() {}
