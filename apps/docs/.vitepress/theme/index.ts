// VitePress' own theme, with the contrast that axe asks for.
import DefaultTheme from 'vitepress/theme-without-fonts';
import './style.css';

export default DefaultTheme;
