export { acceptLink, describeLink, joinSignedIn, type LinkFacts } from "./accept.ts";
export { type Access, accessOf } from "./find.ts";
export { invitations, invite, withdrawInvitation } from "./invitations.ts";
export { create, list, rename, setOwner } from "./manage.ts";
export { members, removeMember, setMember } from "./members.ts";
