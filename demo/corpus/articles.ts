import { fill } from "../language/grammar.ts";
import { intents } from "../language/intents/index.ts";
import { punctuate } from "../language/manner.ts";
import type { Random } from "../language/random.ts";

// Plain sentences about banks and their customers.
const sentences: readonly string[] = [
  "A bank [keeps|looks after] the money of its customers and [pays interest on savings|lends it to others].",
  "On {weekday} {person} [went|walked] to the bank {place} and [asked about a loan|opened an account|changed money].",
  "[A customer|A woman|A man|A student] from {city} [paid|spent] {amount} at {merchant} with a {card}.",
  "The cash machine {place} [was out of order|was empty|gave out {amount}] {ago}.",
  "[A thief|A pickpocket|Someone] [stole|took] a [wallet|purse|bag] {place}; the {card} in it was [frozen|blocked] within minutes.",
  "[If|When] a card is [lost|missing|stolen|gone], [freeze|block] it first and [report|tell] it to the bank.",
  "A new card is [sent|posted|delivered] by [post|mail] and [arrives|comes|is in the letter box] within a week.",
  "A new card must be [activated|made active|switched on] before it is used [the first time|].",
  "The pin is a secret [number|code] of four digits; [never tell it to anyone|do not write it on the card].",
  "[Too many|Three] wrong [tries|pins] [lock|block] the card [for a day|until the pin is reset].",
  "Shops may [refuse|decline|reject] a card when [the limit is reached|it is frozen|there is not enough money].",
  "[Fraud|A suspicious payment|An unknown charge] should be [reported|disputed] [at once|right away], so that the bank can look into it.",
  "A [duplicate|double] payment is the same [purchase|amount] [taken|charged|debited] twice by [mistake|accident].",
  "The shop gave the money back: the refund of {amount} was [credited|paid] {ago}.",
  "Who returns [goods|a jacket|shoes] to a shop [gets|expects] a refund.",
  "A transfer to {country} [takes|needs] {span}; [it is pending|it is on its way] until the other bank has it.",
  "{person} [transferred|sent] {amount} to {person} on {weekday}.",
  "A transfer can be [cancelled|stopped|revoked|taken back] [before|as long as] it is [sent|pending].",
  "One wrong digit in [an account number|an iban] and the money goes to [a stranger|the wrong person|somebody else].",
  "The [limit|daily limit] says how much can be [spent|sent|withdrawn] [in one day|a day]; it can be [raised|increased|lifted] in the app.",
  "[Abroad|In {country}|In foreign countries] some banks charge [a fee|extra] for [cash|payments by card].",
  "The exchange rate says how many {currency} [one gets for|are worth] {amount}.",
  "Money is [exchanged|converted|changed] from one currency into another at [the day's rate|the rate of the market].",
  "[Moving house|A move to {city}|A new flat] means [a new address|telling the bank the address|new letters in a new letter box].",
  "A [phone|mobile|telephone] number is needed for [codes|text messages|the sms with the code].",
  "[Passwords|A password|The passcode] should be [long|secret]; who [forgets|cannot remember] it asks for a link to [reset|change] it and can log in again.",
  "Signing in to [the app|online banking] needs a password and [a code|the phone].",
  "To prove who they are, customers show [a passport|an id card|a driving licence]; this is called [an identity check|verification|identification].",
  "[An account|A current account] can be [closed|ended|deleted] when [it is empty|the customer moves to another bank].",
  "Savings [earn|bring|get] interest [every year|each month]; {amount} [in savings|put aside] earns a little more each year.",
  "A [statement|bank statement] [lists|shows] all [payments|transactions] of a month, for the [tax office|landlord].",
  "[A loan|Credit] means to [borrow|lend] money, for example {amount} for a {thing}, and to pay it back [each month|with interest].",
  "A [standing order|direct debit|regular payment] [pays|moves] {amount} [every month|each month], such as the rent, until it is [ended|stopped|cancelled].",
  "The [balance|account] of {person} [was|is] {amount} in {month}.",
  "In {month} the weather in {city} was [warm|cold|wet|fine] and many people [paid by card|went shopping|took out cash].",
  "[The clerk|The support team|The bank] [answered|replied] {ago} and was very [kind|helpful|quick].",
];

const titles = [
  "Money and banks",
  "News from the bank",
  "Questions and answers",
  "How it works",
  "Good to know",
  "A day in {city}",
];

/** A short text of a few sentences. */
export function article(random: Random): string {
  const count = 3 + random.below(6);
  const body = Array.from({ length: count }, () => fill(random.pick(sentences), random)).map(capital);
  return random.chance(0.4) ? `${fill(random.pick(titles), random)}\n\n${body.join(" ")}` : body.join(" ");
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** A question of a training template with an answer of a clerk, as running text. */
export function questionAndAnswer(random: Random): string {
  const intent = random.pick(intents);
  const question = punctuate(fill(random.pick(intent.train), random), random);
  return `Customer: ${question}\nBank: ${fill(random.pick(intent.answers), random)}`;
}
