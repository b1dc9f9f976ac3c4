// HTML forms as a browser without JavaScript treats them.

export interface Form {
  /** Names and values of its fields as the page has them. */
  readonly fields: Readonly<Record<string, string>>;
}

/** All forms of a page. Reads what our own pages have: quoted attributes, no nested forms. */
export function readForms(html: string): Form[] {
  return [...html.matchAll(/<form\b.*?<\/form>/gs)].map(([form]) => ({
    fields: Object.fromEntries(
      [...form.matchAll(/<(?:input|textarea)\b([^>]*)>/g)].map(([, attributes = '']) => [
        attribute(attributes, 'name'),
        attribute(attributes, 'value'),
      ]),
    ),
  }));
}

function attribute(attributes: string, name: string): string {
  return new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? '';
}

/** Sends a form to the page it is on; follows no redirect. */
export async function submit(
  url: string,
  { fields }: Form,
  values: Readonly<Record<string, string>> = {},
): Promise<{ status: number; location: string | undefined }> {
  const body = new FormData();
  for (const [name, value] of Object.entries({ ...fields, ...values })) body.set(name, value);
  // Next takes actions from its own pages only.
  const response = await fetch(url, {
    method: 'POST',
    body,
    redirect: 'manual',
    headers: { origin: new URL(url).origin },
  });
  const location = response.headers.get('location');
  return { status: response.status, location: location?.replace(new URL(url).origin, '') };
}
