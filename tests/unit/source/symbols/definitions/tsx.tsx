import { memo } from "somewhere";

type Props = { label: string };

/** Shown at the top. */
export const Banner = memo(({ label }: Props) => {
  const onClick = () => {
    console.log("const notThis = () => {}");
  };
  return <button onClick={onClick}>function notThis() {"{}"}</button>;
});

export function List({ items }: { items: string[] }) {
  const row = (one: string) => <li key={one}>{one}</li>;
  return <ul>{items.map(row)}</ul>;
}

@observer
class Panel extends Base<Props> {
  state = { open: false };
  toggle = () => this.setState({ open: true });

  render() {
    return <List items={[]} />;
  }
}

export default memo(Panel);

function Torn() {
  return <div>
