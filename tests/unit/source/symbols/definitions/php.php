<html><?php
namespace Inn\Rooms;

use Inn\Guests; // function notThis() {}

const BEDS = 3;

/** A room. class NotThis {} */
#[Entity]
final class Room extends Space
{
    use Cleaned;

    const SMALL = 1, LARGE = 2;
    public int $number = 1, $floor;

    public function __construct(private string $name) {}

    // Lets somebody in.
    #[Route("/enter")]
    public function enter(int $who): void
    {
        $knock = function ($times) {
            return "function inString() {}";
        };
        $open = fn($key) => $key;
        function inside() {}
    }

    abstract protected function leave();
}

interface Bookable
{
    public function book();
}

trait Cleaned
{
    private $clean = false;
    function sweep() {}
}

enum View: string
{
    case Sea = 'sea';
    public function price(): int { return 1; }
}

function check_in($guest)
{
    $text = <<<TEXT
    function in_heredoc() {}
    TEXT;
    return $text;
}

$ring = function ($bell) {
    return $bell;
};
$count = 1;

class Torn
{
    function fine() {}
    function broken( {
}

function after() {}
