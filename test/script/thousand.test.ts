import { judge, thousand } from './thousand.ts';

describe('scripts that behave badly', () => {
  it('leave no process, no descriptor and no memory behind', async () => {
    judge(await thousand(60), 60);
  }).timeout(60_000);
});
