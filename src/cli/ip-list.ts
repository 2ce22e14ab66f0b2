import type { Config } from '../config/config.ts';
import { reportOf } from '../domain/report.ts';
import { optionsText, printable, red, table } from './text.ts';
import { readCluster, withEtcd } from './with-etcd.ts';

/** The pool: each address with its options and its holder. */
export async function ipList(config: Config, { json }: { readonly json?: boolean }): Promise<void> {
  await withEtcd(config, async (session) => {
    const { addresses, problems } = reportOf(config.service, await readCluster(session));
    if (json === true) {
      const list = addresses.map(({ address, options, holder }) => ({ address, options, holder }));
      process.stdout.write(`${JSON.stringify(list, undefined, 2)}\n`);
      return;
    }
    for (const { key, problem } of problems) {
      console.error(`yaim: warning: ${printable(key)} is ignored: ${printable(problem)}`);
    }
    if (addresses.length === 0) {
      console.log('The pool is empty. Add an address with: yaim ip add ADDR');
      return;
    }
    const rows = addresses.map(({ address, options, holder }) => [
      address,
      holder === null ? red('nobody') : printable(holder),
      printable(optionsText(options)),
    ]);
    console.log(table(['ADDRESS', 'HOLDER', 'OPTIONS'], rows));
  });
}
