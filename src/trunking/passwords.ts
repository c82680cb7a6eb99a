/** What a password of a credential has to be (R-AUTH-8). */

const LENGTH_MIN = 12;
const LENGTH_MAX = 128;

/** @returns what is wrong, or null. Never holds the password. */
export function passwordProblem(password: string): string | null {
  if (password.length < LENGTH_MIN || password.length > LENGTH_MAX)
    return `a password has ${LENGTH_MIN} to ${LENGTH_MAX} characters, found ${password.length}`;
  if (!/[0-9]/.test(password)) return "a password needs a digit";
  if (!/[a-z]/.test(password)) return "a password needs a lower case letter";
  if (!/[A-Z]/.test(password)) return "a password needs an upper case letter";
  return null;
}
