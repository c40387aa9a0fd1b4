/** Where things are when nobody says otherwise; every one can be said otherwise, so that many daemons fit on one machine. */
export const defaultConfig = '/etc/vipkeeper/vipkeeper.yaml';
export const defaultControl = '/run/vipkeeper/control.sock';
export const defaultRealServerRecord = '/run/vipkeeper/realserver.json';
