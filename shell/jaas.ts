/**
 * JAAS login files, as far as DIGEST-MD5 needs them: the sections, their login modules and options. What a Java server
 * reads from them, this server reads from the same file.
 * Source: javax.security.auth.login.Configuration (syntax), DigestLoginModule, SaslServerCallbackHandler.
 */
import * as E from 'fp-ts/lib/Either.js';

export type LoginModule = {
  readonly module: string;
  readonly flag: string;
  readonly options: ReadonlyMap<string, string>;
};

/** Login modules by the name of their section. */
export type Jaas = ReadonlyMap<string, readonly LoginModule[]>;

type Token = { readonly text: string; readonly line: number; readonly isQuoted: boolean };

const tokensOf = (text: string): E.Either<string, readonly Token[]> => {
  const tokens: Token[] = [];
  const pattern = /(\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|#[^\n]*)|"((?:[^"\\\n]|\\.)*)"|([{};=])|([^\s{};="]+)/y;
  let line = 1;
  let at = 0;
  for (let m = pattern.exec(text); m !== null; m = pattern.exec(text)) {
    const [whole, , quoted, mark, word] = m;
    if (quoted !== undefined) tokens.push({ text: quoted.replace(/\\(.)/g, '$1'), line, isQuoted: true });
    else if (mark !== undefined || word !== undefined) tokens.push({ text: mark ?? word ?? '', line, isQuoted: false });
    line += whole.split('\n').length - 1;
    at = pattern.lastIndex;
  }
  return at === text.length ? E.right(tokens) : E.left(`line ${line}: a quotation does not end`);
};

/** @returns Left: line and problem */
export const parseJaas = (text: string): E.Either<string, Jaas> => {
  const read = tokensOf(text);
  if (E.isLeft(read)) return read;
  const tokens = read.right;
  const sections = new Map<string, readonly LoginModule[]>();
  let at = 0;
  const problem = (wanted: string): E.Either<string, never> => {
    const found = tokens[at];
    const line = (found ?? tokens.at(-1))?.line ?? 1;
    return E.left(
      `line ${line}: ${wanted} is expected, found ${found === undefined ? 'the end' : JSON.stringify(found.text)}`,
    );
  };
  const take = (mark?: string): string | null => {
    const token = tokens[at];
    if (token === undefined) return null;
    const isMark = !token.isQuoted && /^[{};=]$/.test(token.text);
    if (mark === undefined ? isMark : token.isQuoted || token.text !== mark) return null;
    at += 1;
    return token.text;
  };
  while (at < tokens.length) {
    const name = take();
    if (name === null) return problem('the name of a section');
    if (take('{') === null) return problem('{');
    const modules: LoginModule[] = [];
    while (take('}') === null) {
      const module = take();
      if (module === null) return problem('a login module or }');
      const flag = take();
      if (flag === null) return problem('required, requisite, sufficient or optional');
      const options = new Map<string, string>();
      while (take(';') === null) {
        const option = take();
        if (option === null) return problem('an option or ;');
        if (take('=') === null) return problem('=');
        const value = take();
        if (value === null) return problem('a value');
        options.set(option, value);
      }
      modules.push({ module, flag, options });
    }
    if (take(';') === null) return problem(';');
    sections.set(name, modules);
  }
  return E.right(sections);
};

const isKerberos = ({ module }: LoginModule): boolean => module.includes('Krb5');

/** What is wrong with a section for DIGEST-MD5; null: nothing. */
const refusalOf = (jaas: Jaas, section: string): string | null => {
  const modules = jaas.get(section);
  if (modules === undefined || modules.length === 0) return `there is no section ${section}`;
  return modules.some(isKerberos)
    ? `section ${section} asks for Kerberos, which is not supported; use org.apache.zookeeper.server.auth.DigestLoginModule`
    : null;
};

/** The users of a server's section: options `user_NAME="password"`. */
export const usersIn = (jaas: Jaas, section: string): E.Either<string, ReadonlyMap<string, string>> => {
  const refusal = refusalOf(jaas, section);
  if (refusal !== null) return E.left(refusal);
  const users = new Map<string, string>();
  for (const { options } of jaas.get(section) ?? [])
    for (const [option, value] of options)
      if (option.startsWith('user_')) users.set(option.slice('user_'.length), value);
  return users.size === 0 ? E.left(`section ${section} has no user_NAME="password"`) : E.right(users);
};

/** Who a learner is: options `username` and `password`. */
export const loginIn = (
  jaas: Jaas,
  section: string,
): E.Either<string, { readonly user: string; readonly password: string }> => {
  const refusal = refusalOf(jaas, section);
  if (refusal !== null) return E.left(refusal);
  for (const { options } of jaas.get(section) ?? []) {
    const [user, password] = [options.get('username'), options.get('password')];
    if (user !== undefined && password !== undefined) return E.right({ user, password });
  }
  return E.left(`section ${section} has no username and password`);
};
