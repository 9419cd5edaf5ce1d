/* const Commented = () => null */
export const Cup = ({ size }) => {
  const fill = () => size;
  return <i onClick={fill}>{"function text() {}"}</i>;
};

function Table(props) {
  return <Cup {...props} />;
}

class Shelf extends React.Component {
  lift = (cup) => cup;
  render() {
    return <Table />;
  }
}

const Torn = () => <div><p></div>;
