// VitePress' own theme, with what axe asks for.
import type { Theme } from 'vitepress';
import DefaultTheme from 'vitepress/theme-without-fonts';
import { nameSearchDialog } from './name-search-dialog.ts';
import './style.css';

const theme: Theme = {
  extends: DefaultTheme,
  enhanceApp() {
    if (typeof document !== 'undefined') nameSearchDialog(document);
  },
};

export default theme;
