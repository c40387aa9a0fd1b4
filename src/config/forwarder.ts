/** What a file with `data_plane: nftables` asks of a plane that can do less than IPVS. */
import type { VirtualServer } from '../director/types.ts';
import { turnSchedulers, unforwardableDestination, unforwardableService } from '../ipvs/forwarder.ts';
import type { RawConfig } from './raw.ts';
import type { Remarks } from './remarks.ts';
import type { Path } from './report.ts';
import type { View } from './view.ts';

export function checkForwarder(
  view: View,
  remarks: Remarks,
  built: readonly (readonly [Path, VirtualServer])[],
  { lvs_timeouts: timeouts, sysctls = {} }: Pick<RawConfig, 'lvs_timeouts' | 'sysctls'>,
): void {
  for (const [path, { services, real_server, sorry_server }] of built) {
    const refuse = (place: Path, lack: string | undefined): void => {
      if (lack !== undefined)
        view.error(place, {
          message: `data_plane nftables ${lack}, and ${view.describe(path)} wants that`,
          expected: 'data_plane: ipvs, or a virtual_server without it',
        });
    };
    refuse(
      path,
      services.map(unforwardableService).find((lack) => lack !== undefined),
    );
    for (const [at, { destination }] of real_server.entries())
      refuse([...path, 'real_server', at], unforwardableDestination(destination));
    if (sorry_server !== undefined)
      refuse([...path, 'sorry_server'], unforwardableDestination(sorry_server.destination));
    const { scheduler } = services[0];
    if (!turnSchedulers.includes(scheduler))
      remarks.add(
        'turns',
        path,
        () =>
          `data_plane nftables has no lb_algo ${scheduler}: ${view.describe(path)} takes turns as with wrr`,
      );
  }
  const ofIpvs = Object.keys(sysctls).filter((name) => name.startsWith('net.ipv4.vs.'));
  const places = [
    ...(timeouts === undefined ? [] : [['lvs_timeouts']]),
    ...ofIpvs.map((name) => ['sysctls', name]),
  ];
  for (const place of places)
    view.error(place, {
      message: `${place.at(-1)} is a setting of IPVS, and data_plane is nftables`,
      expected: 'data_plane: ipvs, or nothing',
      why: 'it would have no effect',
    });
}
