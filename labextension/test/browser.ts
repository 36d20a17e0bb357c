/** What JupyterLab's packages expect of a browser and jsdom does not have. */

Object.assign(globalThis, {
  DragEvent: class extends MouseEvent {},
  ResizeObserver: class {
    observe(): void {}
    disconnect(): void {}
  },
  requestIdleCallback: (work: () => void) => setTimeout(work, 0),
  matchMedia: () => ({
    matches: false,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
    addListener: () => undefined,
    removeListener: () => undefined
  })
});
