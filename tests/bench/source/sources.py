"""Source text for P11: for each language some declarations as people write them; `@` stands for a number."""

_PYTHON = '''
class Order@(Base):
    """An order of one customer, with its lines."""

    limit: int = @

    def total(self, lines: list[Line], *, taxed: bool = True) -> Decimal:
        # What was taken back counts as well.
        amount = sum((line.price * line.count for line in lines if line.count), Decimal(0))
        if taxed and amount > self.limit:
            amount += amount * RATES.get(self.region, Decimal("0.19"))
        return round(amount, 2)


def load_@(path: str, retries: int = 3) -> dict[str, Order@]:
    for attempt in range(retries):
        try:
            with open(path, encoding="utf-8") as file:
                return {row["id"]: Order@(**row) for row in json.load(file)}
        except OSError as error:
            log.warning("attempt %d failed: %s", attempt, error)
    raise LoadError(path)
'''
_SCRIPT = """
/** The orders of one customer. */
export class Order@ extends Base {
  limit = @;

  total(lines, taxed = true) {
    let amount = lines.filter((line) => line.count > 0).reduce((sum, line) => sum + line.price * line.count, 0);
    if (taxed && amount > this.limit) {
      amount += amount * (RATES[this.region] ?? 0.19);
    }
    return Math.round(amount * 100) / 100;
  }
}

export const load@ = async (path, retries = 3) => {
  for (let attempt = 0; attempt < retries; attempt++) {
    const answer = await fetch(path, { headers: { accept: "application/json" } });
    if (answer.ok) return await answer.json();
  }
  throw new Error(`cannot load ${path}`);
};
"""
_TYPED = """
export interface Line@ {
  price: number;
  count: number;
  tags?: ReadonlyArray<string>;
}

export class Order@<T extends Line@> implements Named {
  private readonly lines: Map<string, T> = new Map();

  total(taxed: boolean = true): number {
    const amount = [...this.lines.values()].reduce((sum: number, line: T) => sum + line.price * line.count, 0);
    return taxed ? amount * (RATES[this.region as Region] ?? 1.19) : amount;
  }
}

export async function load@(path: string, retries = 3): Promise<Order@<Line@> | undefined> {
  for (let attempt = 0; attempt < retries; attempt++) {
    const answer = await fetch(path);
    if (answer.ok) return (await answer.json()) as Order@<Line@>;
  }
  return undefined;
}
"""
_MARKUP = """
export function Panel@({ title, rows, onPick }) {
  const [open, setOpen] = useState(false);
  const shown = useMemo(() => rows.filter((row) => row.visible), [rows]);
  return (
    <section className="panel" aria-label={title}>
      <h2 onClick={() => setOpen(!open)}>{title} @</h2>
      {open && shown.map((row) => (
        <button key={row.id} type="button" onClick={() => onPick(row)}>{row.name}</button>
      ))}
    </section>
  );
}
"""
_GO = """
// Order@ is what one customer ordered.
type Order@ struct {
	Number int    `json:"number"`
	Lines  []Line `json:"lines"`
}

// Total adds up all lines.
func (o *Order@) Total(taxed bool) (float64, error) {
	var amount float64
	for _, line := range o.Lines {
		if line.Count < 0 {
			return 0, fmt.Errorf("line %q: %w", line.Name, ErrCount)
		}
		amount += line.Price * float64(line.Count)
	}
	if taxed {
		amount *= 1.19
	}
	return amount, nil
}

func load@(path string, retries int) (map[string]*Order@, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	out := map[string]*Order@{}
	return out, json.Unmarshal(data, &out)
}
"""
_RUST = """
/// What one customer ordered.
#[derive(Debug, Clone, PartialEq)]
pub struct Order@<'a> {
    number: u32,
    lines: Vec<Line<'a>>,
}

impl<'a> Order@<'a> {
    pub fn total(&self, taxed: bool) -> Result<f64, CountError> {
        let mut amount = 0.0;
        for line in self.lines.iter().filter(|line| !line.is_free()) {
            let count = u32::try_from(line.count).map_err(|_| CountError::Negative(line.name.to_owned()))?;
            amount += line.price * f64::from(count);
        }
        Ok(if taxed { amount * 1.19 } else { amount })
    }
}

fn load@(path: &Path, retries: usize) -> io::Result<HashMap<String, u64>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text.lines().map(|line| (line.to_string(), @)).collect()),
        Err(error) if retries > 0 => load@(path, retries - 1),
        Err(error) => Err(error),
    }
}
"""
_JAVA = """
class Order@ extends Base implements Named {
    private final List<Line> lines = new ArrayList<>();

    /** Adds up all lines. */
    @Override
    public double total(boolean taxed) throws CountException {
        double amount = 0;
        for (Line line : lines) {
            if (line.count() < 0) {
                throw new CountException("line " + line.name());
            }
            amount += line.price() * line.count();
        }
        return taxed ? amount * 1.19 : amount;
    }

    static Map<String, Order@> load(Path path, int retries) {
        var orders = Stream.of(path).map(Order@::read).filter(Objects::nonNull);
        return orders.collect(Collectors.toMap(order -> order.name, order -> order));
    }
}
"""
_C = """
/* What one customer ordered. */
struct order_@ {
    int number;
    struct line *lines;
    size_t count;
};

static double order_@_total(const struct order_@ *order, int taxed)
{
    double amount = 0;
    for (size_t at = 0; at < order->count; at++) {
        if (order->lines[at].count < 0)
            return -1;
        amount += order->lines[at].price * (double)order->lines[at].count;
    }
    return taxed ? amount * 1.19 : amount;
}

int load_@(const char *path, struct order_@ **out)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "cannot open %s: %s\\n", path, strerror(errno));
        return -errno;
    }
    *out = calloc(1, sizeof(**out));
    return fclose(file);
}
"""
_CPP = """
namespace shop::n@ {

template <typename T>
class Order : public Base {
public:
    explicit Order(int number) : number_{number} {}
    double total(bool taxed = true) const override {
        double amount = 0;
        for (const auto& line : lines_) {
            if (line.count < 0) throw std::invalid_argument{"line " + line.name};
            amount += line.price * static_cast<double>(line.count);
        }
        return taxed ? amount * 1.19 : amount;
    }

private:
    int number_ = @;
    std::vector<T> lines_;
};

template <typename T>
std::map<std::string, Order<T>> load(const std::filesystem::path& path) {
    std::ifstream file{path};
    return {std::istream_iterator<Entry<T>>{file}, {}};
}

}  // namespace shop::n@
"""
_CSHARP = """
/// <summary>What one customer ordered.</summary>
public sealed class Order@ : Base, INamed
{
    public int Number { get; init; } = @;
    private readonly List<Line> lines = new();

    public override decimal Total(bool taxed = true)
    {
        var amount = lines.Where(line => line.Count > 0).Sum(line => line.Price * line.Count);
        if (taxed && amount > 100)
        {
            amount *= 1.19m;
        }
        return Math.Round(amount, 2);
    }

    public static async Task<Order@?> LoadAsync(string path, int retries = 3)
    {
        for (var attempt = 0; attempt < retries; attempt++)
        {
            if (File.Exists(path)) return JsonSerializer.Deserialize<Order@>(await File.ReadAllTextAsync(path));
        }
        return null;
    }
}
"""
_RUBY = """
# What one customer ordered.
class Order@ < Base
  attr_reader :number, :lines

  def initialize(number, lines = [])
    @number = number
    @lines = lines
  end

  def total(taxed: true)
    amount = lines.select { |line| line.count.positive? }.sum { |line| line.price * line.count }
    amount *= RATES.fetch(region, 1.19) if taxed && amount > 100
    amount.round(2)
  end

  def self.load(path, retries: 3)
    JSON.parse(File.read(path)).map { |row| new(row["number"]) }
  rescue Errno::ENOENT => error
    raise LoadError, "cannot load #{path}: #{error.message}" if retries.zero?
  end
end
"""
_PHP = """
/** What one customer ordered. */
final class Order@ extends Base implements Named
{
    private array $lines = [];

    public function __construct(private readonly int $number = @) {}

    public function total(bool $taxed = true): float
    {
        $amount = array_sum(array_map(fn (Line $line) => $line->price * $line->count, $this->lines));
        if ($taxed && $amount > 100) {
            $amount *= self::RATES[$this->region] ?? 1.19;
        }
        return round($amount, 2);
    }
}

function load_@(string $path, int $retries = 3): ?Order@
{
    foreach (range(1, $retries) as $attempt) {
        if (is_file($path)) {
            return new Order@((int) json_decode(file_get_contents($path), true)['number']);
        }
    }
    throw new LoadError("cannot load {$path}");
}
"""
_KOTLIN = """
/** What one customer ordered. */
data class Order@(val number: Int, val lines: List<Line> = emptyList()) : Named {
    override fun total(taxed: Boolean): Double {
        var amount = lines.filter { it.count > 0 }.sumOf { it.price * it.count }
        if (taxed && amount > 100) {
            amount *= RATES[region] ?: 1.19
        }
        return amount
    }

    companion object {
        fun load(path: String, retries: Int = 3): Order@? = when {
            retries == 0 -> null
            else -> File(path).readLines().map { Order@(it.toInt()) }.firstOrNull()
        }
    }
}
"""
_SWIFT = """
/// What one customer ordered.
public struct Order@: Named, Codable {
    let number: Int
    private var lines: [Line] = []

    func total(taxed: Bool = true) throws -> Double {
        var amount = 0.0
        for line in lines where line.count != 0 {
            guard line.count > 0 else { throw CountError.negative(line.name) }
            amount += line.price * Double(line.count)
        }
        return taxed ? amount * 1.19 : amount
    }
}

func load@(path: String, retries: Int = 3) -> Order@? {
    guard let data = FileManager.default.contents(atPath: path) else { return nil }
    return try? JSONDecoder().decode(Order@.self, from: data)
}
"""
_SCALA = """
/** What one customer ordered. */
final case class Order@(number: Int, lines: List[Line] = Nil) extends Named {
  override def total(taxed: Boolean = true): Either[CountError, Double] = {
    val amount = lines.filter(_.count > 0).map(line => line.price * line.count).sum
    if (lines.exists(_.count < 0)) Left(CountError(name))
    else Right(if (taxed) amount * RATES.getOrElse(region, 1.19) else amount)
  }
}

object Order@ {
  def load(path: String, retries: Int = 3): Option[Order@] = Try(Source.fromFile(path).mkString) match {
    case Success(text) => Some(Order@(text.trim.toInt))
    case Failure(error) => None
  }
}
"""
_BASH = """
# Loads the orders of one customer.
load_@() {
  local path="$1" retries="${2:-3}" attempt
  for ((attempt = 0; attempt < retries; attempt++)); do
    if [[ -f "$path" && -r "$path" ]]; then
      grep -v '^#' "$path" | while IFS=, read -r number price count; do
        printf '%s %s\\n' "order-$number" "$((price * count))"
      done
      return 0
    fi
    sleep "$attempt"
  done
  echo "cannot load $path" >&2
  return 1
}
"""
SOURCES = {
    "py": _PYTHON,
    "ts": _TYPED,
    "tsx": _TYPED + _MARKUP,
    "js": _SCRIPT,
    "jsx": _SCRIPT + _MARKUP,
    "go": _GO,
    "rs": _RUST,
    "java": _JAVA,
    "c": _C,
    "cpp": _CPP,
    "cs": _CSHARP,
    "rb": _RUBY,
    "php": _PHP,
    "kt": _KOTLIN,
    "swift": _SWIFT,
    "scala": _SCALA,
    "sh": _BASH,
}
"""By the ending of the language's files."""
