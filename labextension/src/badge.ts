import type { TranslationBundle } from '@jupyterlab/translation';
import type { Title, Widget } from '@lumino/widgets';

/** The number that runs, on the side bar's tab: style/base.css draws it from the tab's data. */
export function showCount(title: Title<Widget>, running: number, trans: TranslationBundle): void {
  const count = running > 99 ? '99+' : String(running);
  if (title.dataset['ipycontainer-running'] !== count) {
    title.dataset = { ...title.dataset, 'ipycontainer-running': count };
    title.caption = running === 0 ? trans.__('Containers') : trans.__('Containers (%1 running)', running);
  }
}
