package route

import "fmt"

// invalid says what is wrong with a route and where it was written.
func invalid(r Route, err error) error {
	return fmt.Errorf("route %q (%s): %w", r.String(), place(r), err)
}

// conflict says that two routes match the same requests, such as one for the example.
func conflict(r, earlier Route, example string) error {
	method := r.Method
	if method == "" {
		method = "any method"
	}
	return fmt.Errorf("route %q (%s) conflicts with route %q (%s): both match the same requests, such as %s %s",
		r.String(), place(r), earlier.String(), place(earlier), method, example)
}

func place(r Route) string {
	if r.Place == "" {
		return "place unknown"
	}
	return r.Place
}

// example returns a host and a path that the segments match, with the host left out if it may be any.
func example(labels, segments []segment) string {
	text := ""
	for i, s := range labels {
		if i > 0 {
			text += "."
		}
		text += s.example()
	}
	for _, s := range segments {
		text += "/" + s.example()
	}
	return text
}
