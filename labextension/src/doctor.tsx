import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IContainersModel } from './model';

/** What this machine allows, what each lack costs, what would mend it. */
export async function showDoctor(model: IContainersModel, trans: TranslationBundle): Promise<void> {
  const findings = await model.server.doctor();
  const body = (
    <dl className="jp-ipycontainer-doctor">
      {findings.map(finding => (
        <React.Fragment key={finding.name}>
          <dt>
            {finding.ok ? '✓' : '✗'} {finding.name}
            <span className="jp-ipycontainer-hidden">{finding.ok ? '' : trans.__(' (lacking)')}</span>
          </dt>
          <dd>
            {finding.found}
            {finding.cost !== '' && <div>{trans.__('It costs: %1', finding.cost)}</div>}
            {finding.mend !== '' && <div>{trans.__('What mends it: %1', finding.mend)}</div>}
          </dd>
        </React.Fragment>
      ))}
    </dl>
  );
  await showDialog({ title: trans.__('What this machine allows'), body, buttons: [Dialog.okButton()] });
}
