import type { LoadDetail, Offer } from "../../api";
import { formatMoney } from "../../kit/money";
import { OfferPill } from "../../kit/status-pill";
import { Countdown, TimeHere } from "../../kit/time-in-zone";

const BASIS: Record<Offer["respond_by_basis"], string> = {
  message: "asked by the customer",
  contract: "by contract",
  default: "our default",
  expedited: "expedited",
};

export function Tender({ tender }: { tender: LoadDetail["tender"] }) {
  return (
    <section className="panel load-part">
      <h2>Tender {tender?.playbook && <span className="quiet">by {tender.playbook}</span>}</h2>
      {!tender || tender.offers.length === 0 ? (
        <p className="quiet">No carrier has been offered this load yet.</p>
      ) : (
        <Offers offers={tender.offers} />
      )}
    </section>
  );
}

function Offers({ offers }: { offers: Offer[] }) {
  const ranked = [...offers].sort((a, b) => a.rank - b.rank);
  return (
    <table className="facts">
      <caption className="unseen">Offers by rank in the routing guide</caption>
      <thead>
        <tr>
          <th scope="col">Rank</th>
          <th scope="col">Carrier</th>
          <th scope="col">Rate</th>
          <th scope="col">State</th>
          <th scope="col">Respond by</th>
        </tr>
      </thead>
      <tbody>
        {ranked.map((offer) => (
          <tr key={offer.id}>
            <td className="number">{offer.rank}</td>
            <th scope="row">
              {offer.carrier_name ?? offer.scac}{" "}
              <span className="quiet">{offer.carrier_name ? offer.scac : ""}</span>
            </th>
            <td className="number">{formatMoney(offer.rate)}</td>
            <td>
              <OfferPill state={offer.state} />
            </td>
            <td className="number">
              <TimeHere at={offer.respond_by} />{" "}
              <span className="quiet">
                {offer.state === "open" ? (
                  <Countdown deadline={offer.respond_by} />
                ) : (
                  BASIS[offer.respond_by_basis]
                )}
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
