/**
 * VitePress' search box calls itself a button, and its results options, with text field, links and further buttons inside of
 * them. It is a dialog with a list of links.
 */
export function nameSearchDialog(page: Document): void {
  // The box is put into the page when it is opened, results come while something is typed.
  const observer = new MutationObserver(() => {
    const box = page.querySelector('.VPLocalSearchBox');
    if (box === null) return;
    if (box.getAttribute('role') !== 'dialog') {
      drop(box, ['aria-expanded', 'aria-haspopup', 'aria-owns', 'aria-labelledby']);
      box.setAttribute('role', 'dialog');
      box.setAttribute('aria-modal', 'true');
      box.setAttribute('aria-label', 'Search');
      observer.observe(box, { childList: true, subtree: true });
    }
    for (const item of box.querySelectorAll('[role="listbox"], [role="option"]')) {
      drop(item, ['role', 'aria-selected', 'aria-labelledby']);
    }
    // Their texts say as much.
    for (const link of box.querySelectorAll('a[aria-label]')) drop(link, ['aria-label']);
  });
  observer.observe(page.body, { childList: true });
}

function drop(element: Element, attributes: readonly string[]): void {
  for (const name of attributes) element.removeAttribute(name);
}
