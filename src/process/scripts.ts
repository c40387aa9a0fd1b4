/** Process "vipkeeper: scripts": the small spawner that will run each script as its configured user. */
import { beat } from './beating.ts';

beat('vipkeeper: scripts');
