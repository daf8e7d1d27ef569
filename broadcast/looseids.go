package broadcast

// looseIDs remembers the latest messages that were delivered without a position, because the backplane did not answer: it may have kept
// them all the same, and bring them later.
type looseIDs struct {
	known map[string]struct{}
	order []string
}

const looseCount = 1024

func (l *looseIDs) has(id string) bool {
	if len(l.known) == 0 {
		return false
	}
	_, ok := l.known[id]
	return ok
}

// add remembers id.
func (l *looseIDs) add(id string) {
	if l.has(id) {
		return
	}
	if l.known == nil {
		l.known = make(map[string]struct{})
	}
	if len(l.order) == looseCount {
		delete(l.known, l.order[0])
		l.order = l.order[1:]
	}
	l.known[id] = struct{}{}
	l.order = append(l.order, id)
}
