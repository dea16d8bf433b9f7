import type { Random } from "./random.ts";

// What fills the {slots} of templates. Names of people, shops and places are made up or generic.
export const slots: Record<string, readonly string[]> = {
  card: ["card", "debit card", "credit card", "bank card", "visa card", "gold card", "business card"],
  merchant: [
    "the supermarket",
    "an online shop",
    "Northwind",
    "Blue Lantern Books",
    "a petrol station",
    "a hotel",
    "Fern and Oak",
    "the airline",
    "a restaurant",
    "Quickbasket",
    "the pharmacy",
    "a taxi company",
    "Pixel Arcade",
    "the gym",
    "a clothes shop",
  ],
  country: ["France", "Japan", "Spain", "Brazil", "Canada", "Italy", "Norway", "Turkey", "Mexico", "India", "Greece"],
  currency: ["dollars", "euros", "pounds", "yen", "francs", "kroner", "pesos", "rupees"],
  city: ["Lisbon", "Osaka", "Leeds", "Denver", "Lyon", "Porto", "Bergen", "Toronto", "Milan", "Athens"],
  person: [
    "my sister",
    "my landlord",
    "a friend",
    "my son",
    "my wife",
    "my husband",
    "a plumber",
    "my flatmate",
    "Anna",
    "Tom",
    "Mr Ortega",
  ],
  weekday: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
  month: [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
  ],
  span: [
    "two days",
    "three days",
    "a week",
    "ten days",
    "two weeks",
    "three weeks",
    "a month",
    "several days",
    "over a week",
  ],
  ago: [
    "yesterday",
    "this morning",
    "last night",
    "last week",
    "two days ago",
    "on the weekend",
    "an hour ago",
    "a few days ago",
  ],
  thing: ["car", "kitchen", "house", "motorbike", "wedding", "small shop", "new roof", "boat"],
  place: [
    "at the station",
    "in the shopping centre",
    "near my office",
    "at the airport",
    "in the high street",
    "at the corner shop",
  ],
};

/** A sum of money, in one of the ways people write it. */
export function amount(random: Random): string {
  const whole = random.pick([
    5, 12, 20, 35, 40, 50, 60, 75, 80, 99, 120, 150, 200, 250, 300, 450, 500, 800, 1000, 1500, 2000,
  ]);
  const value = random.chance(0.3) ? `${whole}.${random.pick(["50", "99", "20", "75"])}` : String(whole);
  return random.pick([`$${value}`, `${value} dollars`, `${value} euros`, `€${value}`, `£${value}`, `${value} pounds`]);
}
