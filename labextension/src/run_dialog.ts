import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import type { IRunRequest } from './rows';

/** Asks what to run; null when the person thought better of it. */
export async function askForRun(
  images: readonly string[],
  image: string | undefined,
  trans: TranslationBundle
): Promise<IRunRequest | null> {
  const body = new RunForm(images, image ?? images[0] ?? 'base', trans);
  const answer = await showDialog({
    title: trans.__('Run a container'),
    body,
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Run') })],
    focusNodeSelector: image === undefined ? '.jp-ipycontainer-image' : '.jp-ipycontainer-command'
  });
  return answer.button.accept ? answer.value : null;
}

class RunForm extends Widget implements Dialog.IBodyWidget<IRunRequest> {
  constructor(images: readonly string[], image: string, trans: TranslationBundle) {
    super({ node: document.createElement('form') });
    this.addClass('jp-ipycontainer-form');
    this.node.addEventListener('submit', event => event.preventDefault());
    this._image = this._field(trans.__('Image'), image, '', 'jp-ipycontainer-image');
    const known = document.createElement('datalist');
    known.id = `ipycontainer-images-${Date.now()}`;
    images.forEach(name => known.appendChild(new Option(name)));
    this.node.appendChild(known);
    this._image.setAttribute('list', known.id);
    this._command = this._field(
      trans.__('Command'),
      '',
      trans.__("the image's own, with a terminal"),
      'jp-ipycontainer-command'
    );
    this._name = this._field(trans.__('Name'), '', trans.__('one is made up'));
    this._memory = this._field(trans.__('Memory'), '', trans.__('no limit; 64m, 1.5g'));
    this._cpus = this._field(trans.__('CPUs'), '', trans.__('no limit; 0.5'));
    const label = document.createElement('label');
    label.className = 'jp-ipycontainer-check';
    this._remove = document.createElement('input');
    this._remove.type = 'checkbox';
    label.append(this._remove, document.createTextNode(trans.__('Remove it when it has ended')));
    this.node.appendChild(label);
  }

  getValue(): IRunRequest {
    return {
      image: this._image.value,
      command: this._command.value,
      name: this._name.value,
      memory: this._memory.value,
      cpus: this._cpus.value,
      remove: this._remove.checked
    };
  }

  private _field(title: string, value: string, hint: string, className = ''): HTMLInputElement {
    const label = document.createElement('label');
    const name = document.createElement('span');
    name.textContent = title;
    const input = document.createElement('input');
    input.className = `jp-mod-styled ${className}`;
    input.type = 'text';
    input.spellcheck = false;
    input.autocomplete = 'off';
    input.value = value;
    input.placeholder = hint;
    label.append(name, input);
    this.node.appendChild(label);
    return input;
  }

  private _command: HTMLInputElement;
  private _cpus: HTMLInputElement;
  private _image: HTMLInputElement;
  private _memory: HTMLInputElement;
  private _name: HTMLInputElement;
  private _remove: HTMLInputElement;
}
