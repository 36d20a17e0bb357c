import { LabIcon } from '@jupyterlab/ui-components';

/** A box with three bars: a container. */
export const containerIcon = new LabIcon({
  name: 'ipycontainer:container',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <path d="M3 5h18a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1H3a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1zm1 2v10h16V7z"/>
    <path d="M7 9h2v6H7zm4 0h2v6h-2zm4 0h2v6h-2z"/>
  </g>
</svg>`
});
