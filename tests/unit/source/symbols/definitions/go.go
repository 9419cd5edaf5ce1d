// Package depot keeps parcels. func notThis() {}
package depot

import "fmt"

// Limit is the most.
const Limit = 10

const (
	Small = iota
	// Large has a comment.
	Large
)

var ErrFull, ErrGone = fmt.Errorf("func x() {}"), fmt.Errorf("gone")

// Depot is where parcels are.
type Depot[T any] struct {
	parcels []T
}

type (
	Sender interface {
		Send(what string) error
		Close()
	}
	Name = string
)

// Put adds one.
func (d *Depot[T]) Put(one T) {
	check := func() bool {
		return true
	}
	check()
}

func (d Depot[T]) Len() int { return len(d.parcels) }

func (Name2) Value() string {
	return `
type NotThis struct {
}`
}

func New() *Depot[int] { return nil }

var rootCmd = &Command{
	Run: func() {},
}
var handler = func(w int) {
	_ = w
}

func init() {}
func init() {}

func torn( {
	x := [
}

func after() {}
