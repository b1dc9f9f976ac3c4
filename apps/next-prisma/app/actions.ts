'use server';

import { revalidatePath } from 'next/cache';
import { redirect } from 'next/navigation';
import { addEntry, removeEntry } from '../guest-book.ts';

/** Of the form above the list. */
export async function sign(form: FormData): Promise<void> {
  const isWritten = await addEntry(text(form, 'name'), text(form, 'message'));
  show(isWritten ? undefined : 'incomplete');
}

/** Of the button beside an entry. */
export async function remove(form: FormData): Promise<void> {
  const id = Number(text(form, 'id'));
  const isRemoved = Number.isSafeInteger(id) && (await removeEntry(id));
  show(isRemoved ? undefined : 'gone');
}

/** Without spaces around it; forms send line breaks as CR LF. */
function text(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value.replaceAll('\r\n', '\n').trim() : '';
}

/** Ends every action with a redirect, so that reloading the page sends no form twice; also without JavaScript. */
function show(problem: 'incomplete' | 'gone' | undefined): never {
  revalidatePath('/');
  redirect(problem ? `/?problem=${problem}` : '/');
}
