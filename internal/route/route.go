// Package route finds what was registered for a method, a host and a path. It knows nothing of HTTP messages.
//
//	var table route.Table[Handler]
//	err := table.Add(route.Route{Method: "GET", Pattern: "/users/{id:int}"}, showUser)
//
//	var m route.Match // kept by the caller, used for one lookup after the other
//	handler, outcome := table.Lookup(method, host, path, &m)
//	id, ok := m.Find("id")
//
// # Patterns
//
// A pattern begins with a slash and is cut into segments by slashes. It matches whole paths: /users and /users/ are two
// patterns. Its text is compared with the decoded path, so it is written decoded: "/a b", not "/a%20b". A segment is
//
//	users              static text
//	{id}               one whole segment, never empty
//	{id:int}           one that meets a named constraint
//	{id:[a-z]{2}}      one that a regular expression (RE2) matches from its beginning to its end
//	file-{id:int}.txt  mixed: static text around one param, which is never empty
//	{path...}          tail, only as the last segment: the rest of the path with its slashes, also when it is empty
//
// What follows the colon is a named constraint if it is an identifier, and otherwise a regular expression. Braces in an
// expression come in pairs or are escaped with a backslash. Whatever it is, {path:.*} matches one segment; only a tail
// matches more. The named constraints are, in order of precedence,
//
//	bool   true or false
//	uint   decimal digits, not beyond 64 bits
//	int    the same with an optional minus, not beyond 64 bits with sign
//	date   yyyy-mm-dd, a day of the Gregorian calendar
//	uuid   8-4-4-4-12 hexadecimal digits
//	hex    hexadecimal digits
//	alpha  ASCII letters
//	alnum  ASCII letters and digits
//	slug   lower-case ASCII letters and digits in groups that are joined by one hyphen
//
// and whatever Table.Constraint added; those come before the built-in ones, in order of their names.
//
// # Precedence
//
// The order of registration never matters. Patterns are compared segment by segment from the left, and the first
// difference decides: static, mixed, named constraint, regular expression, plain param, tail. Of two mixed segments the
// longer text before the param wins, then the longer text behind it, then the kind of the param. Of two regular
// expressions the narrower wins: the one that, as far as its syntax tells, matches fewer words; then the one that sorts
// first. If the rest of the path or the method does not fit, the next best pattern is tried, and so on until none is left.
//
// A host that was written out comes before hosts with params, and those before routes for any host. Hosts with params are
// compared label by label from the right. If nothing under one host fits, the next is tried.
//
// Method comes last: among routes of one pattern the request's method wins, then GET for a HEAD, then any method.
//
// Two routes conflict only if nothing could ever tell them apart: the same method, and hosts and patterns that differ in
// nothing but the names of params. Overlap is no conflict.
//
// # Decoding
//
// A lookup decodes the path, once. An escaped slash (%2F) never separates segments; it is a slash within a param's value,
// and no static text matches it. An escaped NUL or a broken escape is BadPath. Dot segments and empty segments are not
// resolved: whether a path is cleaned before it is looked up is the caller's policy (see Clean), and a tail gets what the
// lookup saw.
//
// # Guarantees
//
// A lookup allocates nothing once its Match has been used, unless it meets a constraint that Table.Constraint added. It
// visits each node of its tree at most once: a node lies behind a fixed number of segments, and each segment has exactly
// one param with exactly one possible value. So backtracking is bounded by the number of patterns, never by their product,
// and in tables without many overlapping params it does not depend on the number of patterns at all.
package route

// Route is what one registration says. Two routes may share a pattern when their methods or hosts differ.
type Route struct {
	// Method is compared exactly, as RFC 9110 section 9.1 says. Empty means any method, which is less specific than a named
	// one. A route for GET answers HEAD too, where its pattern has no route for HEAD.
	Method string
	// Host is compared without case and without port. Empty means any host, which is the last to be tried. A label may be a
	// param: "{tenant}.example.com".
	Host string
	// Pattern is written in the language of the package comment.
	Pattern string
	// Place is the file:line of the registration. Errors repeat it; nothing else reads it.
	Place string
}

// String returns the route as errors show it: method, host and pattern.
func (r Route) String() string {
	if r.Method == "" {
		return r.Host + r.Pattern
	}
	return r.Method + " " + r.Host + r.Pattern
}
